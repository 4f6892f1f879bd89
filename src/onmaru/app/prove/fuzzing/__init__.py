"""A fuzz of the whole HTTP surface: what to ask is made of what the house says it answers, each request by its number."""
