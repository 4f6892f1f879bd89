-- tables: journey_item
-- How many items the same filter has; with `undated` 1 those of unknown time count too.
SELECT COUNT(*) AS total
FROM journey_item
WHERE _patient = :patient
  AND ((low >= :start AND low < :stop) OR (low IS NULL AND :undated = 1))
  AND (:kinds = '' OR :kinds LIKE '%|' || kind || '|%')
  AND (:flagged = 0 OR flag <> '')
  AND (:encounter = '' OR encounter = :encounter)
  AND (:text = '' OR LOWER(ko) LIKE :text ESCAPE '\' OR LOWER(en) LIKE :text ESCAPE '\' OR LOWER(value) LIKE :text ESCAPE '\'
       OR LOWER(detail) LIKE :text ESCAPE '\' OR LOWER(code) LIKE :text ESCAPE '\')
