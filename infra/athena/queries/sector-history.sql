-- One sector's weight, stocks and quantity, session by session.
-- 1: sector as B3 spells it, as Bens Indls / Transporte
SELECT data, soma_part, total_codigo, soma_qtd_teorica
FROM tb_ibov_refined
WHERE setor = ?
ORDER BY data
