"""What proxy and worker share: messages, bundle, environment, cancellation."""
