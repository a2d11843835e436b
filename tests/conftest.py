"""What every test needs of the process it runs in."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell starts what it puts in the background with ctrl+c ignored, and the programs that tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
