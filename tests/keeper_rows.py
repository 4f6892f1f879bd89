"""What every kind of caller gets of the JSON API of those who keep a house: rows of the gate's matrix."""

from __future__ import annotations

from tests.operation_rows import Row

# Door (none, expired, revoked), wrong, other, stranger, barred, then the roles: physician nurse registrar researcher
# data-manager board-member patient admin system
ADMINS = "401 401 401 403 403 403 403  403 403 403 403 403 403 403 {} 403"
KEEPERS = "401 401 401 403 403 403 403  403 403 403 403 {0} 403 403 {0} 403"
DOORS = "401 401 401 403 403 403 403  403 403 403 403 {0} 403 403 {0} {0}"
SUBSCRIBED = "401 401 401 403 403 403 403  403 403 403 403 {0} 403 403 403 {0}"
OWN = "401 401 401 403 403 403 403  403 403 403 403 403 403 403 204 403"
OWN_STEP = "401 401 401 403 403 {0} {0}  {0} {0} {0} {0} {0} {0} {0} {0} {0}"
# These are for who runs the house: an admin of another tenant is none
NOBODY = "401 401 401 403 403 403 403  403 403 403 403 403 403 403 403 403"

ROWS = [
    Row("users", "GET", "/api/users", b"", {}, ADMINS.format(200)),
    Row("users", "POST", "/api/users", {"user": "new", "name": "새", "roles": ["nurse"]}, {}, ADMINS.format(201)),
    Row("users/{user}", "PATCH", "/api/users/none", {"disabled": True}, {}, ADMINS.format(404)),
    Row("users/{user}/password", "POST", "/api/users/barred/password", {"password": "password 1"}, {}, OWN),
    Row("users/{user}/second-factor", "DELETE", "/api/users/none/second-factor", b"", {}, ADMINS.format(404)),
    Row("second-factor", "GET", "/api/second-factor", b"", {}, OWN_STEP.format(200)),
    Row("second-factor", "POST", "/api/second-factor", {"current": "wrong horse"}, {}, OWN_STEP.format(403)),
    Row("second-factor", "DELETE", "/api/second-factor", {"current": "wrong", "code": "1"}, {}, OWN_STEP.format(403)),
    Row("second-factor/confirm", "POST", "/api/second-factor/confirm", {"code": "1"}, {}, OWN_STEP.format(422)),
    Row("clients", "GET", "/api/clients", b"", {}, ADMINS.format(200)),
    Row("clients", "POST", "/api/clients", {"client_name": "앱", "redirect_uris": ["https://app.example/"]}, {},
        ADMINS.format(201)),
    Row("clients/{client}/credentials", "POST", "/api/clients/none/credentials", {}, {}, ADMINS.format(404)),
    Row("grants", "GET", "/api/grants", b"", {}, OWN_STEP.format(200)),
    Row("grants/{grant}", "DELETE", "/api/grants/none", b"", {}, OWN_STEP.format(404)),
    Row("clients/{client}", "DELETE", "/api/clients/none", b"", {}, ADMINS.format(404)),
    Row("client-invitations", "POST", "/api/client-invitations", {"days": 1}, {}, ADMINS.format(201)),
    Row("tenants", "GET", "/api/tenants", b"", {}, NOBODY),
    Row("tenants", "POST", "/api/tenants", {"tenant": "clinic"}, {}, NOBODY),
    Row("tenants/{tenant}", "GET", "/api/tenants/clinic", b"", {}, NOBODY),
    Row("tenants/{tenant}", "PATCH", "/api/tenants/clinic", {"limits": {}}, {}, NOBODY),
    Row("tenants/{tenant}/suspend", "POST", "/api/tenants/other/suspend", {"reason": "x"}, {}, NOBODY),
    Row("tenants/{tenant}/resume", "POST", "/api/tenants/other/resume", {}, {}, NOBODY),
    Row("tenants/{tenant}/export", "POST", "/api/tenants/other/export", {"reason": "x"}, {}, NOBODY),
    Row("tenants/{tenant}/import", "POST", "/api/tenants/new/import", {"folder": "exports/x"}, {}, NOBODY),
    Row("tenants/{tenant}/destroy", "POST", "/api/tenants/other/destroy", {"reason": "x", "again": "other"}, {}, NOBODY),
    Row("audit", "GET", "/api/audit?patient=p1", b"", {}, KEEPERS.format(200)),
    Row("alarms", "GET", "/api/alarms", b"", {}, KEEPERS.format(200)),
    Row("denied audit", "GET", "/api/audit?outcome=denied", b"", {}, KEEPERS.format(200)),
    Row("alarms/{number}/close", "POST", "/api/alarms/1/close", {"reason": "직접 확인"}, {}, KEEPERS.format(404)),
    Row("jobs", "GET", "/api/jobs", b"", {}, "401 401 401 403 403 403 403  403 403 403 403 200 403 403 403 200"),
    Row("subscriptions", "GET", "/api/subscriptions", b"", {}, SUBSCRIBED.format(200)),
    Row("subscriptions/{id}/resume", "POST", "/api/subscriptions/s1/resume", b"", {}, SUBSCRIBED.format(409)),
    Row("operating", "GET", "/api/operating", b"", {}, DOORS.format(404)),
    Row("sbom", "GET", "/api/sbom", b"", {}, DOORS.format(404)),
    Row("doors", "GET", "/api/doors", b"", {}, DOORS.format(200)),
    Row("dead-letters", "GET", "/api/dead-letters", b"", {}, DOORS.format(200)),
    Row("dead-letters/{id}", "GET", "/api/dead-letters/x", b"", {}, DOORS.format(404)),
    Row("dead-letters/{id}", "PUT", "/api/dead-letters/x", {"text": ""}, {}, DOORS.format(404)),
    Row("dead-letters/{id}/replay", "POST", "/api/dead-letters/x/replay", b"", {}, DOORS.format(404)),
]  # fmt: skip
