"""TGI 1.1's HTTP contract."""
