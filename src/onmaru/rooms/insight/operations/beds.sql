-- A bed is taken by a visit that is under way and whose place it is now
WITH taken AS (
    SELECT DISTINCT location FROM stays
    WHERE status = 'in-progress' AND coalesce(location_status, 'active') = 'active' AND location_ended IS NULL
)
SELECT coalesce(w.name, w.location, '') AS ward, count(*) AS beds, count(t.location) AS taken,
    -- v2-0116: closed, housekeeping, contaminated
    count(*) FILTER (b.operational IN ('C', 'H', 'K') AND t.location IS NULL) AS closed,
    count(*) FILTER (b.operational = 'O' AND t.location IS NULL) AS said_taken
FROM places b LEFT JOIN places w ON w.location = b.part_of LEFT JOIN taken t ON t.location = b.location
WHERE b.physical = 'bd' AND coalesce(b.status, 'active') <> 'inactive'
GROUP BY ALL ORDER BY ward
