"""What a build would take, estimated: a sample of the sources is drawn, built beside the dataset, and scaled up."""
