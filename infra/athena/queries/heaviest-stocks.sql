-- The ten heaviest stocks of one session.
-- 1: session, as 2026-11-20
SELECT codigo, acao, setor, participacao
FROM vw_ibov_carteira
WHERE data = CAST(? AS date)
ORDER BY participacao DESC, codigo
LIMIT 10
