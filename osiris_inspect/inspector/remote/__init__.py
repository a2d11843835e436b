"""Runs that lie elsewhere: on S3, on a web server, anywhere fsspec reaches. Only what is looked at is fetched."""
