SELECT CAST(max(data) AS varchar) AS ultimo_pregao
FROM tb_ibov_refined
