//! Private real servers for tests and benches. Nothing of the product imports this.
