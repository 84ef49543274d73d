-- The refined table with the age of each portfolio today; its own column is as of the run.
-- setor string: Sector
-- data date: Session that the portfolio is for
-- soma_part decimal(16,3): Weight of the sector in per cent
-- total_codigo bigint: Number of constituents
-- soma_qtd_teorica bigint: Sum of the theoretical quantities
-- dias_desde_carteira int: Days between the session and today in America/Sao_Paulo
SELECT
    setor,
    data,
    soma_part,
    total_codigo,
    soma_qtd_teorica,
    CAST(
        date_diff('day', data, CAST(current_timestamp AT TIME ZONE 'America/Sao_Paulo' AS date))
        AS integer
    ) AS dias_desde_carteira
FROM tb_ibov_refined
