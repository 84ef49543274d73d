-- The weights of all sectors added up, over all sessions: 100 for each session, but for rounding.
SELECT SUM(soma_part) AS total_participacao FROM tb_ibov_refined
