"""The archive of block data: Parquet tables, their schema, and what writes into them."""
