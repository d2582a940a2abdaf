"""All tests, at three heights, and what they share."""
