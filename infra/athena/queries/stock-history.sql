-- One stock's weight and quantity, session by session.
-- 1: ticker, as PETR4
SELECT data, setor, participacao, qtd_teorica
FROM vw_ibov_carteira
WHERE codigo = ?
ORDER BY data
