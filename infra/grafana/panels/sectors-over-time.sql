SELECT CAST(data AS timestamp) AS time, setor, CAST(soma_part AS double) AS peso
FROM tb_ibov_refined
WHERE $__dateFilter(data)
ORDER BY data, setor
