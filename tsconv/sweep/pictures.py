def draw_all(*a):
    pass
