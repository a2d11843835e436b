"""Supabase: supabase.writer."""
