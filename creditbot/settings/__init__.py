"""What whoever runs creditbot has set: the environment, and the policy file."""
