-- The ten sectors with the most weight, added up over all sessions: the notebook's bar chart.
SELECT Setor, SUM(soma_part) AS total_participacao
FROM tb_ibov_refined
GROUP BY Setor
ORDER BY total_participacao DESC
LIMIT 10
