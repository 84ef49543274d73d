-- How each stock's weight moved between two sessions, from the largest gain to the largest loss.
-- 1: earlier session, as 2026-11-19
-- 2: later session, as 2026-11-20
WITH antes AS (
    SELECT codigo, acao, setor, participacao
    FROM vw_ibov_carteira
    WHERE data = CAST(? AS date)
),
depois AS (
    SELECT codigo, acao, setor, participacao
    FROM vw_ibov_carteira
    WHERE data = CAST(? AS date)
)
SELECT
    coalesce(depois.codigo, antes.codigo) AS codigo,
    coalesce(depois.acao, antes.acao) AS acao,
    coalesce(depois.setor, antes.setor) AS setor,
    antes.participacao AS participacao_antes,
    depois.participacao AS participacao_depois,
    coalesce(depois.participacao, 0) - coalesce(antes.participacao, 0) AS variacao
FROM antes
FULL JOIN depois ON antes.codigo = depois.codigo
ORDER BY variacao DESC, codigo
