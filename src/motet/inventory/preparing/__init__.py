"""What a training run reads: labels, splits, features, manifests and shards of known datasets."""
