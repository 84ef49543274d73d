-- Without a range of dates, Athena would look for every day since FirstMonth.
SELECT cod, asset AS empresa, segment AS setor, CAST(part AS double) AS peso
FROM tb_ibov_raw
WHERE date BETWEEN $__rawTimeFrom('yyyy-MM-dd') AND $__rawTimeTo('yyyy-MM-dd')
  AND date = (SELECT CAST(max(data) AS varchar) FROM tb_ibov_refined WHERE $__dateFilter(data))
ORDER BY part DESC, cod
LIMIT 20
