-- The weight of each sector, added up over all sessions, the heaviest first.
SELECT setor, SUM(soma_part) AS total_part FROM tb_ibov_refined
GROUP BY setor ORDER BY total_part DESC
