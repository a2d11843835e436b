"""supabase.writer over SQL or REST."""
