-- Ten rows of the refined table, whichever come first: a look at what is there.
SELECT * FROM tb_ibov_refined LIMIT 10
