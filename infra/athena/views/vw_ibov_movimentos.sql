-- How each weight changed since the session before, with the stocks that entered and left.
-- data date: Session
-- data_anterior date: The session before it that the lake holds
-- setor string: Sector
-- codigo string: Ticker
-- acao string: Company
-- participacao_anterior decimal(6,3): Weight in the session before; null where the stock entered
-- participacao decimal(6,3): Weight; null where the stock left
-- variacao decimal(7,3): Change of the weight in percentage points
WITH pregoes AS (
    SELECT dias.data, lag(dias.data) OVER (ORDER BY dias.data) AS data_anterior
    FROM (SELECT DISTINCT data FROM vw_ibov_carteira) AS dias
),
antes AS (
    SELECT
        pregoes.data,
        pregoes.data_anterior,
        carteira.setor,
        carteira.codigo,
        carteira.acao,
        carteira.participacao
    FROM vw_ibov_carteira AS carteira
    JOIN pregoes ON carteira.data = pregoes.data_anterior
),
depois AS (
    SELECT
        pregoes.data,
        pregoes.data_anterior,
        carteira.setor,
        carteira.codigo,
        carteira.acao,
        carteira.participacao
    FROM vw_ibov_carteira AS carteira
    JOIN pregoes ON carteira.data = pregoes.data
    WHERE pregoes.data_anterior IS NOT NULL
)
SELECT
    coalesce(depois.data, antes.data) AS data,
    coalesce(depois.data_anterior, antes.data_anterior) AS data_anterior,
    coalesce(depois.setor, antes.setor) AS setor,
    coalesce(depois.codigo, antes.codigo) AS codigo,
    coalesce(depois.acao, antes.acao) AS acao,
    antes.participacao AS participacao_anterior,
    depois.participacao AS participacao,
    CAST(
        coalesce(depois.participacao, 0) - coalesce(antes.participacao, 0) AS decimal(7,3)
    ) AS variacao
FROM antes
FULL JOIN depois ON antes.data = depois.data AND antes.codigo = depois.codigo
