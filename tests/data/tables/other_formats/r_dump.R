commas <-
structure(list(id = c("P161", "P334", "P316", "P344", "P233", 
"P222", "P318", "P263"), note = c("yes, both", "yes, both", "yes, both", 
"yes, both", "yes, both", "yes, both", "yes, both", "yes, both"
), value = c(68.599999999999994, 90.200000000000003, 75.900000000000006, 
73.299999999999997, 87.599999999999994, 76.900000000000006, 78.900000000000006, 
75.400000000000006), label = c(0L, 1L, 0L, 1L, 0L, 1L, 0L, 1L
)), class = "data.frame", row.names = c(NA, -8L))
