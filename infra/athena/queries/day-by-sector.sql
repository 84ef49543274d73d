-- The sectors of one session, the heaviest first.
-- 1: session, as 2026-11-20
SELECT setor, soma_part, total_codigo, soma_qtd_teorica
FROM tb_ibov_refined
WHERE data = CAST(? AS date)
ORDER BY soma_part DESC, setor
