select 1 as wrong where false
