SELECT sum(total_codigo) AS papeis
FROM tb_ibov_refined
WHERE data = (SELECT max(data) FROM tb_ibov_refined WHERE $__dateFilter(data))
