-- Concentration by session: weight of the top 5 and top 10, Herfindahl index (0 to 10,000).
WITH ordem AS (
    SELECT
        data,
        participacao,
        row_number() OVER (PARTITION BY data ORDER BY participacao DESC) AS posicao
    FROM vw_ibov_carteira
)
SELECT
    data,
    count(*) AS total_codigo,
    sum(participacao) FILTER (WHERE posicao <= 5) AS top_5,
    sum(participacao) FILTER (WHERE posicao <= 10) AS top_10,
    sum(participacao * participacao) AS herfindahl
FROM ordem
GROUP BY data
ORDER BY data
