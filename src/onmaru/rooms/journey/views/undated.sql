-- tables: journey_item, journey_thing
-- One page of the items whose time nobody wrote down, by source after the keyset; the same filter as `items`.
SELECT i._source AS source, i._version AS version, i.kind, i.low, i.high, i.written, i.code, i.ko, i.en, i.value, i.unit,
       i.flag, i.status, i.detail, i.encounter, i.actor, i.actor_name, a.name AS actor_thing, i.about, b.name AS about_thing
FROM (
    SELECT *
    FROM journey_item
    WHERE _patient = :patient
      AND low IS NULL
      AND _source > :source
      AND (:kinds = '' OR :kinds LIKE '%|' || kind || '|%')
      AND (:flagged = 0 OR flag <> '')
      AND (:encounter = '' OR encounter = :encounter)
      AND (:text = '' OR LOWER(ko) LIKE :text ESCAPE '\' OR LOWER(en) LIKE :text ESCAPE '\'
           OR LOWER(value) LIKE :text ESCAPE '\' OR LOWER(detail) LIKE :text ESCAPE '\' OR LOWER(code) LIKE :text ESCAPE '\')
    ORDER BY _source
    LIMIT :count
) AS i
LEFT JOIN journey_thing AS a ON a._patient = '' AND a.thing = i.actor
LEFT JOIN journey_thing AS b ON b._patient = '' AND b.thing = i.about
ORDER BY i._source
