"""CloudWatch, where ministack's is not as AWS's: metrics from logs, and the states of alarms."""
