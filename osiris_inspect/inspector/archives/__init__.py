"""Compressed logs and packed run directories, unpacked with limits because their senders are not trusted."""
