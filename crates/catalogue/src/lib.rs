//! Floor 2: the price list of every provider, from data files, and how it is replaced.
