-- The sectors of the newest session.
-- setor string: Sector
-- data date: Session that the portfolio is for
-- soma_part decimal(16,3): Weight of the sector in per cent
-- total_codigo bigint: Number of constituents
-- soma_qtd_teorica bigint: Sum of the theoretical quantities
SELECT setor, data, soma_part, total_codigo, soma_qtd_teorica
FROM tb_ibov_refined
WHERE data = (SELECT max(data) FROM tb_ibov_refined)
