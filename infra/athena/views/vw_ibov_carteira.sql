-- The constituents of each session, with a typed date and readable names.
-- data date: Session that the portfolio is for
-- setor string: Sector; Sem setor where there is none
-- codigo string: Ticker
-- acao string: Company
-- tipo string: Share type and listing segment
-- participacao decimal(6,3): Weight in the index in per cent
-- participacao_setor decimal(6,3): Weight of the sector in per cent, repeated on each of its rows
-- qtd_teorica bigint: Theoretical quantity
SELECT
    CAST(date AS date) AS data,
    coalesce(nullif(segment, ''), 'Sem setor') AS setor,
    cod AS codigo,
    asset AS acao,
    type AS tipo,
    part AS participacao,
    partacum AS participacao_setor,
    theoricalqty AS qtd_teorica
FROM tb_ibov_raw
