//! When a certificate deserves a word: thresholds, renewal, a worse replacement.
