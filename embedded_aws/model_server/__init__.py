"""TGI 1.1's HTTP contract over llama.cpp: what runs in place of the serving container."""
