"""The operations board: beds, stays, waiting, turnaround, appointments, theatres and alerts, each one statement of SQL."""
