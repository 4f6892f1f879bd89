"""The seven doors and the laws they keep: interfaces and pure logic, no engine."""
