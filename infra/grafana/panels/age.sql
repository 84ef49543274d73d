SELECT date_diff('day', max(data), CAST(current_timestamp AT TIME ZONE 'America/Sao_Paulo' AS date)) AS dias
FROM tb_ibov_refined
