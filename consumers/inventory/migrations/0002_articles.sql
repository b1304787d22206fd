INSERT INTO articles (sku, name, price_cents, start_stock, stock) VALUES
    ('ATLAS-1911',  'Atlas of 1911, one of three', 24000, 3, 3),
    ('BAG-LINEN',   'Linen bag', 1490, 100000, 100000),
    ('BOWL-OAK',    'Oak bowl', 3400, 100000, 100000),
    ('CANDLE-BEE',  'Beeswax candle', 950, 100000, 100000),
    ('LAMP-PAPER',  'Paper lamp', 4900, 100000, 100000),
    ('MUG-BLUE',    'Blue mug', 1250, 100000, 100000),
    ('NOTEBOOK-A5', 'Notebook A5', 780, 100000, 100000),
    ('TEA-MINT',    'Mint tea', 640, 100000, 100000);
