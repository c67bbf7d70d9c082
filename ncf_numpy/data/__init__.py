"""Which users had which items, as arrays; how they are split, and how negatives are drawn."""
