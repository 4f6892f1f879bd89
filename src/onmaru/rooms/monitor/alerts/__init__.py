"""Alerts worth hearing: rules raise conditions, a condition becomes one alert, every alert ends in an outcome."""
