-- From the first session in which a sector is there to the last one.
SELECT
  setor,
  CAST(min_by(soma_part, data) AS double) AS peso_inicial,
  CAST(max_by(soma_part, data) AS double) AS peso_final,
  CAST(max_by(soma_part, data) - min_by(soma_part, data) AS double) AS variacao
FROM tb_ibov_refined
WHERE $__dateFilter(data)
GROUP BY setor
ORDER BY variacao DESC, setor
