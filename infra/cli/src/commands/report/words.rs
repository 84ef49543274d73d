//! The page's texts, English beside Portuguese.

use crate::output::Language;

macro_rules! words {
    ($($name:ident: $english:literal | $portuguese:literal,)+) => {
        /// What the page says. Texts with `{}` take values, by [`fill`].
        #[derive(Debug)]
        pub(super) struct Words {
            $(pub(super) $name: &'static str,)+
        }

        const ENGLISH: Words = Words { $($name: $english,)+ };
        const PORTUGUESE: Words = Words { $($name: $portuguese,)+ };
    };
}

words! {
    tag: "en" | "pt-BR",
    title: "{}, portfolio of" | "{}, carteira de",
    sample: "Sample, not B3's data" | "Exemplo, não são dados da B3",
    sample_more: "The numbers below come from the portfolio that is bundled with the program." | "Os números abaixo vêm da carteira que acompanha o programa.",
    another_server: "Not B3's data" | "Não são dados da B3",
    another_server_more: "The numbers below are what another server answered." | "Os números abaixo são a resposta de outro servidor.",
    from_b3: "Source: B3, theoretical portfolio of the day." | "Fonte: B3, carteira teórica do dia.",
    from_stack: "Source: B3, theoretical portfolio of the day, from stack {}." | "Fonte: B3, carteira teórica do dia, pela stack {}.",
    made_at: "Made at" | "Gerado em",
    rights: "The data that B3 serves belongs to B3." | "Os dados que a B3 publica pertencem à B3.",
    skip: "Skip to the content" | "Ir para o conteúdo",
    contents: "Contents" | "Conteúdo",
    overview: "Overview" | "Resumo",
    sectors: "Sectors" | "Setores",
    moves: "Moves" | "Movimentos",
    stocks: "Stocks" | "Ações",
    history: "History" | "Histórico",
    chain: "State of the chain" | "Situação do pipeline",
    top_5: "Five heaviest stocks" | "Cinco maiores ações",
    top_10: "Ten heaviest stocks" | "Dez maiores ações",
    herfindahl: "Herfindahl index" | "Índice de Herfindahl",
    herfindahl_more: "from 0 to 10,000" | "de 0 a 10.000",
    since: "since" | "desde",
    sectors_caption: "Sectors by weight" | "Setores por participação",
    no_sectors: "This portfolio was asked for without sectors." | "Esta carteira foi pedida sem setores.",
    stocks_caption: "Stocks by weight" | "Ações por participação",
    no_stocks: "The raw table has no stocks of this session." | "A tabela raw não tem ações deste pregão.",
    sector: "Sector" | "Setor",
    stock: "Stock" | "Ação",
    code: "Ticker" | "Código",
    company: "Company" | "Empresa",
    kind: "Type" | "Tipo",
    weight: "Weight %" | "Part. %",
    weight_before: "Before %" | "Antes %",
    change: "Change, pp" | "Variação, p.p.",
    quantity: "Theoretical quantity" | "Qtde. teórica",
    total: "Total" | "Total",
    date: "Session" | "Pregão",
    moves_intro: "Compared with the session before that the lake holds," | "Em comparação com o pregão anterior que o lake tem,",
    no_moves: "The lake holds no session before this one to compare it with." | "O lake não tem um pregão anterior para comparar.",
    no_stocks_to_compare: "The raw table lacks the stocks of this session, or of the one before." | "A tabela raw não tem as ações deste pregão, ou as do anterior.",
    entered: "Entered" | "Entraram",
    none_entered: "No stock entered the index." | "Nenhuma ação entrou no índice.",
    left: "Left" | "Saíram",
    none_left: "No stock left the index." | "Nenhuma ação saiu do índice.",
    changed: "Largest changes of weight" | "Maiores variações de participação",
    none_changed: "No weight changed." | "Nenhuma participação mudou.",
    new: "new" | "nova",
    one_session: "The lake holds one session. Lines need two." | "O lake tem um só pregão. Para uma linha são precisos dois.",
    all_drawn: "The lines go through all {} sessions." | "As linhas passam por todos os {} pregões.",
    some_drawn: "Of {} sessions, {} are drawn, evenly spaced." | "De {} pregões, as linhas mostram {}, em intervalos iguais.",
    own_scale: "Each line has a scale of its own: compare shapes, and read sizes off the numbers. Beside the newest weight stands its change since the first session drawn." | "Cada linha tem a própria escala: compare as formas e leia os valores nos números. Ao lado da participação mais recente está a variação desde o primeiro pregão mostrado.",
    stocks_on_demand: "One stock at a time" | "Ação por ação",
    values: "Values" | "Valores",
    of: "of" | "de",
    chart_title: "Weight of {} from {} to {}" | "Participação de {} de {} a {}",
    chart_desc: "From {} to {} percent; lowest {} on {}, highest {} on {}. The table that follows has the values." | "De {} a {} por cento; mínimo {} em {}, máximo {} em {}. A tabela a seguir tem os valores.",
    no_line: "In the index on one of the drawn sessions only." | "No índice em um só dos pregões mostrados.",
    absent: "not in the index" | "fora do índice",
    range: "lowest {}, highest {}" | "mínimo {}, máximo {}",
    layers_caption: "How far each part of the lake has come" | "Até onde chegou cada parte do lake",
    layer: "Part" | "Parte",
    newest: "Newest session" | "Último pregão",
    sessions: "Sessions" | "Pregões",
    landing: "Landing: B3's answers" | "Landing: respostas da B3",
    raw: "Raw: one row per stock" | "Raw: uma linha por ação",
    refined: "Refined: one row per sector" | "Refined: uma linha por setor",
    fetched_at: "The newest answer was fetched at" | "A resposta mais recente foi buscada em",
    nothing_due: "Every session that has landed is refined." | "Todos os pregões recebidos estão refinados.",
    due: "Landed, and not refined yet:" | "Recebidos e ainda não refinados:",
    no_work: "This report was read from the lake, without a stack: queues and runs are not known." | "Este relatório foi lido do lake, sem uma stack: filas e execuções não são conhecidas.",
    queues_caption: "Messages in the queues, about" | "Mensagens nas filas, aproximadamente",
    stage: "Stage" | "Etapa",
    waiting: "Waiting" | "À espera",
    parked: "Parked" | "Na DLQ",
    runs_caption: "Last Glue runs" | "Últimas execuções do Glue",
    no_runs: "The stack knows of no Glue run." | "A stack não conhece nenhuma execução do Glue.",
    run: "Run" | "Execução",
    state: "State" | "Estado",
    started_at: "Started at" | "Início",
    seconds: "Seconds" | "Segundos",
    filter: "Filter by ticker, company or sector" | "Filtrar por código, empresa ou setor",
    shown: "{} of {} stocks shown" | "{} de {} ações",
    sorted_by: "Sorted by {}, {}" | "Ordenado por {}, {}",
    ascending: "ascending" | "em ordem crescente",
    descending: "descending" | "em ordem decrescente",
}

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Portuguese => &PORTUGUESE,
        }
    }
}

/// Puts the values in the places of a text.
pub(super) fn fill(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for part in parts {
        filled.push_str(values.next().unwrap_or(&""));
        filled.push_str(part);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places_and_are_not_read_as_places() {
        assert_eq!(fill("of {}, {} are", &["{}", "2"]), "of {}, 2 are");
        assert_eq!(fill("none", &["1"]), "none");
    }
}
