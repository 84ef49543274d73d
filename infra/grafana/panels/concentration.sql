-- Without a range of dates, Athena would look for every day since FirstMonth.
SELECT
  CAST(datacarteira AS timestamp) AS time,
  sum(CASE WHEN posicao <= 5 THEN peso ELSE 0 END) AS "5 maiores",
  sum(CASE WHEN posicao <= 10 THEN peso ELSE 0 END) AS "10 maiores"
FROM (
  SELECT
    datacarteira,
    CAST(part AS double) AS peso,
    row_number() OVER (PARTITION BY date ORDER BY part DESC, cod) AS posicao
  FROM tb_ibov_raw
  WHERE date BETWEEN $__rawTimeFrom('yyyy-MM-dd') AND $__rawTimeTo('yyyy-MM-dd')
) AS papeis
GROUP BY datacarteira
ORDER BY datacarteira
