SELECT setor, CAST(soma_part AS double) AS peso
FROM tb_ibov_refined
WHERE data = (SELECT max(data) FROM tb_ibov_refined WHERE $__dateFilter(data))
ORDER BY soma_part DESC, setor
