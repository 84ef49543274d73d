-- The stocks that entered the index between two sessions, and those that left it.
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
    CASE WHEN antes.codigo IS NULL THEN 'entrou' ELSE 'saiu' END AS movimento,
    coalesce(depois.codigo, antes.codigo) AS codigo,
    coalesce(depois.acao, antes.acao) AS acao,
    coalesce(depois.setor, antes.setor) AS setor,
    coalesce(depois.participacao, antes.participacao) AS participacao
FROM antes
FULL JOIN depois ON antes.codigo = depois.codigo
WHERE antes.codigo IS NULL OR depois.codigo IS NULL
ORDER BY movimento, codigo
