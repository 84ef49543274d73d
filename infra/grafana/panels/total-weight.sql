SELECT CAST(sum(soma_part) AS double) AS soma
FROM tb_ibov_refined
WHERE data = (SELECT max(data) FROM tb_ibov_refined WHERE $__dateFilter(data))
